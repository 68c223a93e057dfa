/** stylelint's rules for all CSS of the project. Run it from the top level: see package.json. */

export default {
  extends: "stylelint-config-standard",
  rules: {
    // Short rules take one line each, so that a sheet shows many of them at once.
    "declaration-block-single-line-max-declarations": null,

    // A blank line separates groups of rules and of tokens, not each rule from the next.
    "at-rule-empty-line-before": null,
    "comment-empty-line-before": null,
    "custom-property-empty-line-before": null,
    "rule-empty-line-before": null,

    // Colours are OKLCH numbers throughout, as in CSS Color 4: lightness from 0 to 1, hue in degrees.
    "hue-degree-notation": "number",
    "lightness-notation": "number",

    // Rules are in the order of the page's parts. In that order specificity goes up and down.
    "no-descending-specificity": null,

    // Safari knows these two by their prefixed names only.
    "property-no-vendor-prefix": [
      true,
      { ignoreProperties: ["-webkit-text-size-adjust", "-webkit-box-decoration-break"] },
    ],

    // The ids of the article's sections are those of the original post: old links lead to them.
    "selector-id-pattern": null,

    // Fonts have names of their own, in their makers' case.
    "value-keyword-case": ["lower", { ignoreProperties: ["/^--/"] }],
  },
};
