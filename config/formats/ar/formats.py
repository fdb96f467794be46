"""Dates without a second comma and numbers with separators, as Arabic newspapers print them."""

DATE_FORMAT = "j F Y"
NUMBER_GROUPING = 3
THOUSAND_SEPARATOR, DECIMAL_SEPARATOR = ",", "."
