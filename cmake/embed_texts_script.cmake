# cmake -DFILES="a|b" -DROOT=folder -DSYMBOL=name -DOUT=file.cpp -P embed_texts_script.cmake
string(REPLACE "|" ";" files "${FILES}")
set(rows "")
foreach(file IN LISTS files)
  file(READ ${file} text)
  file(RELATIVE_PATH path ${ROOT} ${file})
  string(APPEND rows "    {\"${path}\", R\"embedded(${text})embedded\"},\n")
endforeach()
file(WRITE ${OUT}
  "#include <cstddef>\n\n#include \"kernel_kit/texts.h\"\n\n"
  "extern const kernel_kit::TextFile ${SYMBOL}_texts[];\n"
  "extern const size_t ${SYMBOL}_num_texts;\n"
  "const kernel_kit::TextFile ${SYMBOL}_texts[] = {\n${rows}};\n"
  "const size_t ${SYMBOL}_num_texts = sizeof(${SYMBOL}_texts) / sizeof(${SYMBOL}_texts[0]);\n")
