"""Test the claims of an article on batches, one experiment each.

The claims are those of a Korean blog post on weight updates, batches and batch size. Two of the twelve are about
words: C2 uses a wrong term, C12 states a purpose. Each of the others has an experiment (`core.claims.experiments`)
whose trials `core.science.judge` judges: verdicts are computed, never written by hand. The package itself loads no
torch.
"""
