# report.gp: how far each row is from its demand, as bars; `bars` and `picture` are files.
set terminal svg size 1200,750 font "sans,12" background "white"
set output picture
set datafile separator "\t"
set title "mq bench: what was measured, as a part of what is allowed (1: just met; less is better)"
set style fill solid 0.6
set boxwidth 0.7
set logscale y
set grid y
set xtics rotate by -45 left
set bmargin 20
set rmargin 20
set arrow from graph 0, first 1 to graph 1, first 1 nohead linewidth 2
unset key
plot bars using 0:2:xtic(1) with boxes
