"""Hold every sentence that a person reads, and the errors. The rest of core uses codes only.

en/<feature>.toml holds the sentences, one folder for each language; catalogue reads them and fills them in. errors
defines the exceptions: each carries problems, a code with values, that the catalogue turns into a sentence.
"""
