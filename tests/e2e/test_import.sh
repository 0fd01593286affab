#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Data as people have it, imported by the program: tables without a header, with stray quotes, other separators, quotes and
# encodings; what is refused, and what is said.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# good WHAT REGEX ARGS...: imported, and a line of what it says matches. bad STATUS REGEX ARGS...: refused, nothing is written.
good() {
  rm -f x.h5
  run import "${@:3}" -o x.h5
  check_status "$1" 0
  check_match "$1" "$2" "$log.out"
}
bad() {
  rm -f x.h5
  run import "${@:3}" -o x.h5
  check_status "${*:3}" "$1"
  check_match "${*:3}" "^oikos.*$2" "$log.err"
  check_one_line "${*:3}" "$log.err"
  [[ ! -e x.h5 ]] || fail "${*:3}: left x.h5"
}
columns=(--user u --item i --rating r)

# A quote within a field is a character; one that opens a field and is not closed costs its line.
{
  printf 'u,i,r\nu0,7" single,5\n'
  for k in $(seq 1000); do echo "u$k,item$((k % 50)),$((k % 5 + 1))"; done
  printf 'u0,12" single,4\nu1,"x,3\nu2,"7 inch,3\nu3,b",3,9\nu4,y,1\n'
} >quotes.csv
good "stray quotes" '^1003 ratings of .*; 3 bad rows left out' csv quotes.csv "${columns[@]}" --skip-bad
bad 1 'quotes\.csv:1004: a quote is opened|quotes\.csv:1004: text follows' csv quotes.csv "${columns[@]}"
good "quotes as characters" '^1005 ratings of .*; 1 bad rows left out' csv quotes.csv "${columns[@]}" --quotes none --skip-bad
{
  printf 'u,i,r,c\nu1,a,3,"so\n'
  for k in $(seq 40); do echo "u$k,b,4,x"; done
  printf 'u2,a,3,so"\n'
} >swallowed.csv
good "rows in quotes" 'swallowed\.csv:2: quotes make one row of 42 lines; .*--quotes none' csv swallowed.csv "${columns[@]}"

# Without a header, the first row is not lost.
printf '196\t242\t3\t881250949\n186\t302\t3\t891717742\n' >u.data
good "no header" '^2 ratings of 2 items by 2 users' csv u.data --no-header --user 1 --item 2 --rating 3 --time 4
bad 2 "u\.data: --user: there is no column 'user' in the table: 1, 2, 3, 4; without a header" csv u.data --no-header --user user \
  --item 2 --rating 3
good "a row as header" "u\.data: the first row was taken as the header, and it names column 1 '196': .*--no-header" csv u.data \
  --user 196 --item 242 --rating 3
bad 2 "there is no column '1' in the header: 196, 242, 3, 881250949; if that is a row, give --no-header" csv u.data --user 1 --item 2 \
  --rating 3
printf '1,2,a,0.5\n3,4,b,1.5\n' >plain.csv
good "a table without a header" '^2 rows in 2 groups, 2 features, 1 targets' csv plain.csv --no-header --group 3 --target 4
printf 'user,age\n196,30\n186,40\n' >users.csv
good "a table with a header beside" '^2 ratings of 2 items by 2 users' csv u.data --no-header=source --user 1 --item 2 --rating 3 \
  --user-table users.csv
run inspect x.h5
check_match "the age of users" 'user_number +float32 \(2, 1\)' "$log.out"

# Separators, also at the ends of lines; quotes after backslashes; encodings.
printf '1::1193::5::978300760\n1::661::3::978302109\n' >ratings.dat
good "two colons" '^2 ratings of 2 items by 1 users' csv ratings.dat --separator :: --no-header --user 1 --item 2 --rating 3 --time 4
bad 2 'the header: 1::1193::5::978300760; if that is more than one, give --separator|give --no-header' csv ratings.dat "${columns[@]}"
printf 'u|i|r|\n1|2|3|\n4|5|3|\n' >bars.txt
good "bars at the ends" '^2 ratings of 2 items by 2 users' csv bars.txt --separator '|' "${columns[@]}"
printf '  u i   r\n 1\t2   3 \n' >blanks.txt
good "blanks" '^1 ratings of 1 items by 1 users' csv blanks.txt --separator blanks "${columns[@]}"
printf '"u";"i";"r"\n"276725";"a \\"wild\\" one";"0"\n"276726";"b";"5"\n' >bx.csv
bad 1 'bx\.csv:2: text follows a closing quote' csv bx.csv "${columns[@]}"
good "quotes after backslashes" '^2 ratings of 2 items by 2 users' csv bx.csv "${columns[@]}" --quotes backslash
printf 'u,i,r\nM\374ller,caf\351,5\n' >latin.csv
bad 1 'latin\.csv:2: column u: expected an id: UTF-8 .*--encoding' csv latin.csv "${columns[@]}"
good "ISO-8859-1" '^1 ratings of 1 items by 1 users' csv latin.csv "${columns[@]}" --encoding latin1
bad 2 "encoding 'klingon' is not known" csv latin.csv "${columns[@]}" --encoding klingon
bad 2 '--quotes: expected doubled, backslash or none' csv latin.csv "${columns[@]}" --quotes double
bad 2 '--no-header: expected source, tables or nothing' csv latin.csv "${columns[@]}" --no-header=items
bad 2 'a separator is 1 to 16 bytes' csv latin.csv "${columns[@]}" --separator ''
# MovieLens of other columns; numbers of 1970's seconds; gzip files one behind the other.
mkdir few named
printf 'userId,movieId,rating\n1,2,3.5\n' >few/ratings.csv
printf 'userId,movieId,rating,timestamp\n1,2,3.5,1\n' >named/ratings.csv
printf 'movieId,title\n2,Jumanji\n' >named/movies.csv
bad 1 'ratings\.csv: expected a header that begins with the columns userId,movieId,rating,timestamp, but column 4 is nothing' \
  movielens few
bad 1 'movies\.csv: expected a header .* movieId,title,genres, but column 3 is nothing' movielens named
printf 'g,t,y\na,1600000000,1\na,1600000001,2\nb,1600000007,3\n' >times.csv
good "times" "column t is stored as 't - 160000000[0-9.]+'" csv times.csv --group g --target y
printf 'g,t,y\na,1600000000,1\na,1600000001,2\nb,1100000007,3\n' >decades.csv
bad 1 'decades\.csv: column t: float32 does not tell .*--exclude' csv decades.csv --group g --target y
(printf 'g,x,y\na,1,2\n' | gzip && printf 'b,2,3\n' | gzip) >two.csv.gz
good "two members" '^2 rows in 2 groups' csv two.csv.gz --group g --target y

# Tables about users: ids written in another way are counted.
printf 'user,age\n0196,30\n186,NA\n' >zeros.csv
good "leading zeros" '^1 users with ratings are in no table, the first: 196; are ids written alike' csv u.data --no-header=source \
  --user 1 --item 2 --rating 3 --user-table zeros.csv

# What is not an import's own is not written over.
cp times.csv mine.csv
run import csv u.data --no-header --user 1 --item 2 --rating 3 --user-table users.csv -o users.csv
check_status "over a further table" 2
check_match "over a further table" 'the output users\.csv is also a source' "$log.err"
run import csv times.csv --group g --target y -o mine.csv
check_status "over something else" 2
check_match "over something else" 'mine\.csv exists and is no data file' "$log.err"
cmp times.csv mine.csv || fail "a file of the user's is gone"
run import csv times.csv --group g --target y -o t.h5
run import csv times.csv --group g --target y -o t.h5
check_status "over an import" 0

# What an import leaves that is killed as it writes goes with the next one to the same file.
written() { compgen -G 'killed.h5.tmp-*' >/dev/null; }
printf '#include <unistd.h>\nint fsync(int fd) { (void)fd; return pause(); }\n' >pause.c
cc -shared -fPIC -o pause.so pause.c
start env "LD_PRELOAD=$WORK/pause.so" "$OIKOS" import csv times.csv --group g --target y -o killed.h5
wait_for "its file was there" written
kill -9 $(ranks_with killed.h5)
end_of_job
check_status "killed" 137
written || fail "killed: it left nothing"
run import csv times.csv --group g --target y -o killed.h5
check_status "after a killed one" 0
! written || fail "after a killed one: $(ls killed.h5*)"

# Nothing waits for a pipe, and no escape reaches the terminal.
mkfifo pipe
LIMIT=20 bad 1 'pipe: it is a pipe or a device' csv pipe --group g --target y
LIMIT=20 bad 1 'pipe: it is a pipe or a device' csv u.data --no-header=source --user 1 --item 2 --rating 3 --item-table pipe
LIMIT=20 bad 1 '/dev/zero: it is a pipe or a device' csv /dev/zero --group g --target y
evil=$'evil\e[2J\x9b31m-\xc3\xa9.csv'
printf 'g,x\e]0;y\a,y\na,1,2\n' >"$evil"
printable() { # WHAT: of the last run's output
  ! grep -Pq '[\x00-\x08\x0b-\x1f\x7f]' "$log.out" "$log.raw" || fail "$1: a control character: $(cat -v "$log.out" "$log.raw")"
}
run import csv "$evil" -o x.h5 --group g --target y
check_status "a column of escapes" 1
check_match "a column of escapes" 'evil\?\[2J\?31m-.*\.csv: the name of column 2' "$log.err"
printable "a column of escapes"
run import csv times.csv --group g --target y -o "${evil%.csv}.h5"
check_status "a file name of escapes" 0
check_match "a file name of escapes" '^evil\?\[2J\?31m-'$'\xc3\xa9''\.h5 written' "$log.out"
printable "a file name of escapes"
run inspect "${evil%.csv}.h5"
printable "inspect"
run $'tr\eain'
printable "an unknown command"
run import csv times.csv $'--gr\eoup' g -o x.h5
check_status "an unknown option" 2
printable "an unknown option"
finish
