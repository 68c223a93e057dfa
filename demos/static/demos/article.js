import "./comparison.js";
import "./contents.js";
import "./stream-demo.js";
