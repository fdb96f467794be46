"""HTML for mail: styles move into the elements, because many mail programs drop or rewrite style sheets."""

from __future__ import annotations

import css_inline

# A block marked `data-css-inline="keep"` (dark mode, phones) stays as it is; "ignore" would drop it silently.
_INLINER = css_inline.CSSInliner(inline_style_tags=True, keep_style_tags=False, load_remote_stylesheets=False)


def inline_css(html: str) -> str:
    """The document with the rules of its `<style>` blocks put into `style` attributes. Fetches nothing."""
    return _INLINER.inline(html)


def inline_fragment(html: str, css: str) -> str:
    """A piece of a document with the rules of ``css`` put into its ``style`` attributes."""
    return _INLINER.inline_fragment(html, css)
