"""对比: the same questions to several models and styles, votes on the answers, and what the votes say."""
