"""The form of a stream in the admin."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .conf import setting
from .errors import StreamError
from .log.recordings import checked_pieces
from .models import Stream
from .names import new_private_name

# Characters of the longest text that the form holds. A form encodes a character in up to 12 bytes,
# and Django refuses a form of more than DATA_UPLOAD_MAX_MEMORY_SIZE bytes, 2.5 MB by default. Files
# do not count.
EDITABLE_LENGTH = 100_000
# The fields of the form that the model does not have.
TEXT_FIELDS = ("text", "file")
# Bytes of the longest character in UTF-8.
MAX_BYTES = 4


class StreamForm(forms.ModelForm):
    """The form of a stream, with a field for the text, and one for a file with the text.

    The model does not have the text, which the log stores in segments.
    """

    text = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "class": "vLargeTextField"}),
    )
    file = forms.FileField(
        label=_("Text from a file"),
        required=False,
        widget=forms.FileInput,
        help_text=_(
            "A text file in UTF-8 that replaces the whole text. Choose a file for a text of more "
            "than 100,000 characters."
        ),
    )

    class Meta:
        model = Stream
        fields = (
            "title",
            "name",
            "visibility",
            "owner",
            "expires_at",
            "format",
            "text",
            "file",
            "split",
            "pace",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = False
            self.fields["name"].help_text = _(
                "Part of the address. If you leave this empty, the stream gets a name that "
                "nobody can guess."
            )
        if "text" in self.fields:
            self.fields["text"].help_text = self._text_help
        if self.instance.pk and "text" in self.fields:
            self.fields["text"].initial = self.instance.text
        if "expires_at" in self.fields:
            # The format of some languages leaves the seconds out, and saving would drop them.
            self.fields["expires_at"].widget.widgets[1].format = "%H:%M:%S"
        if self.instance.pk and self.is_bound:
            for name, field in self.fields.items():
                # The form of a live stream has fewer fields, and the stream may have ended since.
                if name != "file" and field.widget.value_omitted_from_data(
                    self.data, self.files, self.add_prefix(name)
                ):
                    field.disabled = True  # The field keeps its value.

    @property
    def _text_help(self) -> str:
        if not self.instance.pk:
            return gettext("A stream of JSON values has one value on each line.")
        if self.instance.format == Stream.Format.JSON:
            return gettext(
                "A change makes a new revision. Readers receive the new text from its beginning. "
                "A stream of JSON values has one value on each line."
            )
        return gettext(
            "A change makes a new revision. Readers receive the new text from its beginning."
        )

    def clean_name(self) -> str:
        return self.cleaned_data["name"] or new_private_name()

    def clean_text(self) -> str:
        # A browser sends each line end of a form as CRLF (WHATWG HTML, 4.10.21.4), also the line
        # ends that were CR or LF in the recording. A text that differs in nothing else was not
        # edited, and stays as recorded.
        text = str(self.cleaned_data["text"]).replace("\r\n", "\n")
        recorded = self._recorded
        unedited = text == recorded.replace("\r\n", "\n").replace("\r", "\n")
        return recorded if unedited else text

    def clean_file(self) -> str | None:
        """Return the text of the file, with its line ends, or None without a file."""
        file = self.cleaned_data["file"]
        if file is None:
            return None
        limit = setting("STREAM_MAX_LENGTH")
        if file.size > MAX_BYTES * limit:
            raise ValidationError(
                _("The file has %(size)d bytes. A stream has at most %(limit)d characters."),
                params={"size": file.size, "limit": limit},
            )
        try:
            text = bytes(file.read()).decode()
        except UnicodeDecodeError as error:
            raise ValidationError(
                _("The file is no text in UTF-8: see byte %(position)d. Save the file as UTF-8."),
                params={"position": error.start},
            ) from error
        return text

    @property
    def _recorded(self) -> str:
        """The text before the edit, if the form holds the text."""
        return str(self.fields["text"].initial or "") if "text" in self.fields else ""

    @property
    def new_text(self) -> str | None:
        """The text to record, or None if neither the text nor the way to split it was changed."""
        typed, uploaded = self.cleaned_data.get("text"), self.cleaned_data.get("file")
        if uploaded is not None:
            return str(uploaded)
        if not self.instance.pk or (typed is not None and typed != self._recorded):
            return typed or ""
        if "split" in self.changed_data:
            return str(self.instance.text)
        return None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        field = "file" if "text" not in self.fields or data.get("file") is not None else "text"
        if field == "file" and data.get("text", "") != self._recorded:
            self.add_error("file", _("Edit the text or choose a file. Both at once are ambiguous."))
        elif field in data and (text := self.new_text) is not None:
            split = data.get("split") or self.instance.split
            format = data.get("format") or self.instance.format
            try:
                checked_pieces(text, split, format)
            except StreamError as error:
                self.add_error(field, error.detail)
        return data
