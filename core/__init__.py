"""The engine, from words and run at the bottom to commands and host at the top. It draws nothing: no Streamlit.

`tests/test_imports.py` lists the layers. `python -m core` is the engine without a screen.
"""
