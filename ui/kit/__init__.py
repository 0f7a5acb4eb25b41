"""Parts that several features draw: plots, cards, sparklines, the field for a first seed. They know no feature."""
