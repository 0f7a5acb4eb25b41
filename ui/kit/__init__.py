"""Parts that several features draw: plots, cards, sparklines, the field of a first seed. They know no feature."""
