# Written by attnbench; `gnuplot plots.gnuplot` draws the pictures again.
set encoding utf8
set terminal pngcairo size 640,480 noenhanced font "sans,10" background rgb "#ffffff"
set border 3 lc rgb "#444444"
set tics nomirror out
set grid ytics lc rgb "#dddddd" lt 1 lw 1
set key bmargin center horizontal samplen 3 width -1 height 0.5 font ",9"
set tmargin 3
set bars 0.6
set y2range [0:1]
set xlabel "seqlen" offset 0,0.4
set ylabel "MS"

set output "./batch\137size=1-bias=True-mode=fwd.png"
set label 1 "batch\137size=1-bias=True-mode=fwd" at screen 0.5,0.95 center font ",9"
unset logscale x
unset logscale y
set xrange [983.04:2088.96]
set yrange [0:1.452432706]
set xtics ("1024" 1024, "2048" 2048)
unset label 2
set format y
$line0 << end_of_line
1024 0.31 0.3 0.35 NaN
2048 1.2345678 1.2345678 1.2345678 NaN
end_of_line
$line1 << end_of_line
1024 0.5 0.5 0.5 NaN
2048 NaN NaN NaN 0.97
end_of_line
$line2 << end_of_line
1024 NaN NaN NaN 0.92
2048 NaN NaN NaN NaN
end_of_line
plot $line0 using 1:2:3:4 with yerrorbars lw 1.5 pt 0 lc rgb "#008000" notitle, \
     $line0 using 1:2 with linespoints lw 2 ps 1.1 lc rgb "#008000" dt 1 pt 7 title "Triton-BlockPtr", \
     $line1 using 1:2:3:4 with yerrorbars lw 1.5 pt 0 lc rgb "#0000ff" notitle, \
     $line1 using 1:2 with linespoints lw 2 ps 1.1 lc rgb "#0000ff" dt 4 pt 5 title "Triton-PtrBlock", \
     $line1 using 1:5 axes x1y2 with points pt 2 lw 1.5 ps 2.2 lc rgb "#444444" notitle, \
     $line1 using 1:5 axes x1y2 with points lw 2 ps 1.1 pt 5 lc rgb "#0000ff" notitle, \
     NaN with linespoints lw 2 ps 1.1 lc rgb "#009e73" dt 3 pt 9 title "Jax", \
     $line2 using 1:5 axes x1y2 with points pt 2 lw 1.5 ps 2.2 lc rgb "#444444" notitle, \
     $line2 using 1:5 axes x1y2 with points lw 2 ps 1.1 pt 9 lc rgb "#009e73" notitle, \
     NaN with points pt 2 lw 1.5 ps 2.2 lc rgb "#444444" title "failed"
