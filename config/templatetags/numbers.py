"""Numbers in templates."""

from django import template

from newsletter.lib.numbers import grouped

register = template.Library()
register.filter(grouped)
