# Reads what the benchmarks write, passes it on, and tells in the end how the figures compare with what is wanted of them.
#
# A goal is the benchmark, the unit of the figure, what is wanted, and by what the figure is divided to be told.

function goal(name, unit, wanted, label, scale) {
	n++
	names[n] = name; units[n] = unit; goals[n] = wanted; labels[n] = label; scales[n] = scale ? scale : 1
}

BEGIN {
	goal("BenchmarkIntake/all-well", "offers/s", ">= 60000", "offers/s, from the socket to DECLINE, one core")
	goal("BenchmarkIntake/one-waits", "offers/s", ">= 60000", "offers/s, the same while a pod waits for one")
	goal("BenchmarkRestart/bolt", "ns/op", "<= 2", "s, restart with 30,000 pods, bbolt", 1e9)
	goal("BenchmarkRestart/zookeeper", "ns/op", "<= 2", "s, restart with 30,000 pods, ZooKeeper", 1e9)
	goal("BenchmarkRestart/bolt", "cpu-s/op", "", "s of them computed by the framework, bbolt")
	goal("BenchmarkRestart/zookeeper", "cpu-s/op", "", "s of them computed by the framework, ZooKeeper")
	goal("BenchmarkServe/all-well", "resident-MB", "<= 300", "MB resident, 10,000 hosts with 3 pods each, while offers come")
	goal("BenchmarkServe/one-waits", "resident-MB", "<= 300", "MB resident, the same while a pod waits for one")
	split("memory bolt zookeeper", kinds, " ")
	for (k = 1; k <= 3; k++)
		for (records = 1; records <= 100; records += 99) {
			name = "BenchmarkCommit/" kinds[k] "/" records
			goal(name, "commits/s", "", "commits/s, " kinds[k] ", " records " records")
			goal(name, "p50-ms", "", "ms, p50 of a commit, " kinds[k] ", " records " records")
			goal(name, "p99-ms", "", "ms, p99 of a commit, " kinds[k] ", " records " records")
		}
}

{ print }

/^Benchmark/ && /ns\/op/ {
	sub(/-[0-9]+$/, "", $1)
	for (i = 1; i <= n; i++)
		if (names[i] == $1 && !(i in found))
			for (f = 3; f < NF; f += 2)
				if ($(f + 1) == units[i]) found[i] = $f / scales[i]
}

/take-over, / { sub(/.*take-over, /, "take-over, "); takeovers = takeovers $0 "\n" }

END {
	print ""
	for (i = 1; i <= n; i++) {
		verdict = ""
		if (goals[i] != "" && i in found) {
			split(goals[i], parts, " ")
			good = parts[1] == "<=" ? found[i] <= parts[2] : found[i] >= parts[2]
			verdict = good ? "reached" : "MISSED"
		}
		value = i in found ? sprintf(found[i] < 1 ? "%.4f" : found[i] < 100 ? "%.2f" : "%.0f", found[i]) : "not measured"
		printf "%14s %-62s %-10s %s\n", value, labels[i], goals[i], verdict
	}
	if ((getline busy < "/proc/loadavg") > 0) {
		split(busy, parts, " ")
		print "load of the machine in the last minute: " parts[1] "; with others at work, figures are worse than they should be"
	}
	printf "%s", takeovers ? takeovers : "take-over: not measured\n"
}
