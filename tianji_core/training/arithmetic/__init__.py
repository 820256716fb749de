"""Faster arithmetic for fine-tuning: the same loss and gradients with less memory and fewer passes over it.

Knows transformers, peft and bitsandbytes, and no training engine. Its modules import torch; only the program
that trains imports them, never the studio itself.
"""
