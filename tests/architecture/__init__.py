"""Rules that no linter knows. Each is a function from source to findings, tried on the product and on an offender."""
