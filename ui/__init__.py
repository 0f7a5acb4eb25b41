"""The screen: a folder for each page's feature, and below them what features share: setup, kit, charts, shell."""
