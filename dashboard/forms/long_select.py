"""A select with very many options."""

from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class LongSelect(forms.Select):
    """As Django's, without groups; but that renders a template for each option, which takes it ten times as long."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        chosen = set(self.format_value(value))
        options = ((str(one), " selected" if str(one) in chosen else "", word) for one, word in self.choices)
        known = flatatt({"name": name, **self.build_attrs(self.attrs, attrs)})
        return format_html(
            "<select{}>{}</select>", known, format_html_join("\n", '<option value="{}"{}>{}</option>', options)
        )
