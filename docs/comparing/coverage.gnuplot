# Draws coverage.csv, which build/.../bin/stopping_coverage printed: gnuplot coverage.gnuplot
set datafile separator ","
set terminal svg size 820,420 background rgb "white" font "sans-serif,13"
set output "coverage.svg"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set boxwidth 0.9
set yrange [0:1.02]
set ytics ("0" 0, "25 %%" 0.25, "50 %%" 0.5, "75 %%" 0.75, "95 %%" 0.95)
set ylabel "intervals that hold the true median"
set xtics rotate by -25 nomirror
set grid ytics
set key outside top right
set title "95 % interval of the median where the stopping rule ended"
plot "coverage.csv" using 2:xtic(1) skip 1 title "grid" linecolor rgb "#999999", \
     "" using 3 skip 1 title "normal" linecolor rgb "#0072b2", \
     "" using 4 skip 1 title "headline" linecolor rgb "#d55e00", \
     0.95 with lines dashtype 2 linecolor rgb "black" title "promised"
