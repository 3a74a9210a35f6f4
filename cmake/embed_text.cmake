# cmake -DTEXT=file -DSYMBOL=name -DOUT=file.cpp -P embed_text.cmake: a file as a C string.
file(READ ${TEXT} text)
file(WRITE ${OUT} "extern \"C\" const char ${SYMBOL}[];\n"
                  "const char ${SYMBOL}[] = R\"embedded(${text})embedded\";\n")
