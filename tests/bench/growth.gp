# growth.gp: the tables of growth.bash as four pictures; `tables` and `picture` are files.
set terminal svg size 1100,800 font "sans,12" background "white"
set output picture
set datafile separator "\t"
set multiplot layout 2,2
set logscale x
set grid
set key top left
set format x "10^{%L}"
set yrange [0:*]

set title "records of growing size"
set xlabel "bytes of a value"
set ylabel "MB/s"
plot tables index 0 using 1:3 with linespoints title "produce", \
     tables index 0 using 1:5 with linespoints title "consume to /dev/null", \
     tables index 0 using 1:6 with linespoints title "cat to a file"

set title "partitions, record by record"
set xlabel "partitions"
set ylabel "million records/s"
plot tables index 1 using 1:($2 / 1e6) with linespoints title "produce", \
     tables index 1 using 1:($3 / 1e6) with linespoints title "consume"

set title "producers at once, one partition"
set xlabel "producers"
set format x "%g"
set logscale x 2
plot tables index 2 using 1:($2 / 1e6) with linespoints title "produce, together"

set title "segments of a partition"
set xlabel "segments"
set ylabel "ms for one call"
unset yrange
set logscale y
set format x "10^{%L}"
set logscale x 10
plot tables index 3 using 1:2 with linespoints title "produce", \
     tables index 3 using 1:3 with linespoints title "consume the last record", \
     tables index 3 using 1:4 with linespoints title "consume one from the middle"
