"""What every page uses: the frame, the record of each page, the session, the engine and the words.

Only session touches `st.session_state`, and only engine owns the store and the host process.
"""
