"""What a person reads that starts in the engine: problems are codes with values, and sentences are made at the edge.

errors    the exceptions, each with the code and the values of its problem; nothing in core raises a sentence
messages  the sentence for a code
"""
