"""Every sentence that a person reads, and the errors whose sentences they are. The rest of core knows codes alone.

en/<feature>.toml holds the sentences, one folder for each language; catalogue reads them and fills them in. errors
defines the exceptions: each carries problems, a code with values, that the catalogue turns into a sentence.
"""
