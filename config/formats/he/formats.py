"""Numbers with separators, which Django leaves out."""

NUMBER_GROUPING = 3
THOUSAND_SEPARATOR, DECIMAL_SEPARATOR = ",", "."
