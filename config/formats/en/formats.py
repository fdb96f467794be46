"""The desk's hours in 24, as all of its own pages have them; readers' pages ask for ``hour_of_day`` instead."""

TIME_FORMAT = "H:i"
DATETIME_FORMAT = "N j, Y, H:i"
SHORT_DATETIME_FORMAT = "m/d/Y H:i"
