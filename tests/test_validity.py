"""The look at HTML finds what is wrong, and nothing in what is right."""

from __future__ import annotations

import pytest

from tests.validity import faults

PAGE = "<!doctype html><html lang=en><head><title>A page</title></head><body>{}</body></html>"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<p>One<p>Two</p>", "<p> in <p>"),
        ("<p><div>One</div></p>", "<div> in <p>"),
        ("<h2><a href='/'><ul><li>One</li></ul></a></h2>", "<ul> in <h2>"),
        ("<b><i>One</b></i>", "</b> while <i> is open"),
        ("<p>One</p></div>", "</div> without its beginning"),
        ("<section><p>One</p>", "</body> while <section> is open"),
        ("<div/>", "<div/> does not close itself"),
        ("<ul><p>One</p></ul>", "<p> straight in <ul>"),
        ("<ul>One</ul>", "words straight in <ul>"),
        ("<li>One</li>", "<li> in <body>"),
        ("<table><td>One</td></table>", "<td> in <table>"),
        ("<a href='/'><button>One</button></a>", "<button> in a link"),
        ("<form><form></form></form>", "<form> in <form>"),
        ("<img src='/one.png'>", "<img> without alt"),
        ("<p id='one'></p><p id='one'></p>", "id one twice"),
        ("<p class='one' class='two'></p>", "an attribute twice"),
        ("<label for='one'>One</label>", "for names one"),
        ("<a href='#one'>One</a>", "href names one"),
        ("<p>One & two</p>", "&amp;"),
    ],
)
def test_fault_is_found(body: str, said: str) -> None:
    assert any(said in fault for fault in faults(PAGE.format(body)))


def test_page_needs_its_type_and_its_title() -> None:
    assert faults("<html><body></body></html>") == ["it does not begin with <!doctype html>", "it has no <title>"]


def test_sound_page_has_no_faults() -> None:
    body = """
      <main id="content"><a href="#content"><h2>One &amp; two &ndash; &#8217;</h2><p>Three</p></a><br><hr>
        <form><label for="a">A</label> <input id="a" aria-describedby="b"><p id="b">B</p>
          <select><option>1</option></select></form>
        <dl><div><dt>C</dt><dd>D</dd></div></dl><svg viewBox="0 0 1 1"><path d="M0 0"/></svg>
        <table><caption>E</caption><thead><tr><th>F</th></tr></thead><tbody><tr><td><p>G</p></td></tr></tbody></table>
      </main><!--[if mso]><table><![endif]--><script>a && b</script>
    """

    assert faults(PAGE.format(body)) == []
