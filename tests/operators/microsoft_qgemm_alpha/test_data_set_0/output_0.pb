ByJ
k–lzq|‰n‚