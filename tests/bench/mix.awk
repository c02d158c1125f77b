# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# mix.tsv and results of the bench, in this order: the table, the ratios, and 1 when a goal is missed.
BEGIN { FS = "\t"; n = split("bare loop ours", variants, " ") }
/^#/ { next }
FNR == NR { recoverable[$1] = $3 == "yes"; hangs[$1] = $4 == "yes"; next }
{
	draw = $1; world[draw] = $2; v = $3
	seen[draw, v] = 1; ms[draw, v] = $5; good[draw, v] = $6
	prompts[v] += $7; runs[v]++
	if ($4 == 0 && !$6)
		lies[v]++
	if (recoverable[$2]) {
		able[v]++
		if ($6)
			restored[v]++
	}
}
# of the times of those that it restored, sorted
function times(v, list,    d, k, i, t) {
	k = 0
	for (d in world)
		if (good[d, v]) {
			t = ms[d, v]
			for (i = k++; i > 0 && list[i] > t; i--)
				list[i + 1] = list[i]
			list[i + 1] = t
		}
	return k
}
function ratio(with_hangs,    d, b, c, k) {
	for (d in world)
		if (good[d, "loop"] && good[d, "ours"] && (with_hangs || !hangs[world[d]])) {
			b += ms[d, "loop"]; c += ms[d, "ours"]; k++
		}
	both = k
	return b > 0 ? c / b : 0
}
END {
	printf "%-6s %6s %22s %10s %10s %9s %14s\n", "", "runs", "restored/recoverable", "mean (s)", "p95 (s)", "prompts", "false success"
	for (i = 1; i <= n; i++) {
		v = variants[i]
		delete list
		k = times(v, list); sum = 0
		for (j = 1; j <= k; j++)
			sum += list[j]
		p95 = k > 0 ? list[int(0.95 * k + 0.999999)] : 0
		printf "%-6s %6d %12d/%-4d %4.1f%% %9.1f %10.1f %9d %14d\n", v, runs[v], restored[v], able[v], \
			able[v] ? 100 * restored[v] / able[v] : 0, k ? sum / k / 1000 : 0, p95 / 1000, prompts[v], lies[v]
	}
	all = ratio(1)
	printf "mean time, idevicerescue against the loop, over the %d phones that both restored: %.2f (goal: at most 0.6)\n", both, all
	some = ratio(0)
	printf "the same without the faults on which the engine hangs, %d phones: %.2f (goal: at most 1.0)\n", both, some
	share = able["ours"] ? restored["ours"] / able["ours"] : 0
	exit !(share >= 0.995 && lies["ours"] == 0 && all <= 0.6 && some <= 1.0)
}
