"""The Python code of the base model ``wish``, copied into its folder by
:func:`tests.families.bases.write_own_code`. Two modules with relative imports, a sentencepiece tokenizer with
a slow and a fast class, one matrix for query, key and value, a head that is not called ``lm_head``, and a
name that transformers removed: what makes the models that people bring hard to load."""
