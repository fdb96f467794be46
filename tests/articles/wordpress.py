"""WordPress export files for tests, written here."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- generator="WordPress/6.8" -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Harbor Wire</title><link>https://old.example</link>
<language>en-US</language><wp:wxr_version>1.2</wp:wxr_version>
<wp:author><wp:author_login><![CDATA[ann]]></wp:author_login><wp:author_email>a@old.example</wp:author_email>
<wp:author_display_name><![CDATA[Ann Lee]]></wp:author_display_name></wp:author>
"""


def wxr(*items: str, head: str = HEAD) -> bytes:
    return (head + "".join(items) + "</channel></rss>").encode()


def post(number: int, *, body: str = "", more: str = "", categories: Iterable[str] = (), **fields: str) -> str:
    """A published post of 2019; keyword arguments are fields of the ``wp`` namespace, or title, link and excerpt."""
    values = {"post_type": "post", "status": "publish", "post_name": f"story-{number}",
              "post_date_gmt": f"2019-03-0{number % 9 + 1} 08:30:00", **fields}  # fmt: skip
    title = values.pop("title", f"What happened in story {number}")
    link = values.pop("link", f"https://old.example/2019/story-{number}/")
    excerpt = values.pop("excerpt", "")
    wp = "".join(f"<wp:{name}><![CDATA[{value}]]></wp:{name}>" for name, value in values.items())
    named = "".join(f'<category domain="category" nicename="x"><![CDATA[{name}]]></category>' for name in categories)
    body = body or f"The first paragraph of story {number}.\n\nThe second one,\nwith a line break."
    return (
        f"<item><title>{escape(title)}</title><link>{link}</link><dc:creator><![CDATA[ann]]></dc:creator>"
        f'<guid isPermaLink="false">https://old.example/?p={number}</guid>'
        f"<content:encoded><![CDATA[{body}]]></content:encoded>"
        f"<excerpt:encoded><![CDATA[{excerpt}]]></excerpt:encoded>"
        f"<wp:post_id>{number}</wp:post_id>{wp}{named}{more}</item>"
    )


def thumbnail(number: int) -> str:
    return (
        "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key>"
        f"<wp:meta_value><![CDATA[{number}]]></wp:meta_value></wp:postmeta>"
    )


def attachment(number: int, url: str, *, alt: str = "") -> str:
    meta = (
        "<wp:postmeta><wp:meta_key>_wp_attachment_image_alt</wp:meta_key>"
        f"<wp:meta_value><![CDATA[{alt}]]></wp:meta_value></wp:postmeta>"
    )
    return post(number, more=meta, post_type="attachment", status="inherit", attachment_url=url)
