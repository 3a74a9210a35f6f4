# cmake -DTEXT="file;file" -DSYMBOL=name -DOUT=file.cpp -P embed_text.cmake: files, one after the
# other, as a C string.
set(all "")
foreach(file IN LISTS TEXT)
  file(READ ${file} text)
  string(APPEND all "${text}")
endforeach()
file(WRITE ${OUT} "extern \"C\" const char ${SYMBOL}[];\n"
                  "const char ${SYMBOL}[] = R\"embedded(${all})embedded\";\n")
