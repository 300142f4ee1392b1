package main

import (
	"encoding/json"
	"fmt"
	"log"
	"strconv"
	"sync"
	"time"
)

// measure does what ten-steps.mjs does.
func measure(one func() int, args []string) {
	run := func() {
		if got := one(); got != 10 {
			log.Fatalf("a run returned %d, not 10", got)
		}
	}
	rounds := func(atOnce int, least time.Duration) (int, float64) {
		began, count := time.Now(), 0
		for {
			var all sync.WaitGroup
			for range atOnce {
				all.Add(1)
				go func() { defer all.Done(); run() }()
			}
			all.Wait()
			count++
			if time.Since(began) >= least {
				return count, time.Since(began).Seconds()
			}
		}
	}
	n, _ := strconv.Atoi(args[1])
	var answer any
	if args[0] == "alone" {
		rounds(1, 2*time.Second)
		times := make([]float64, n)
		for i := range times {
			began := time.Now()
			run()
			times[i] = float64(time.Since(began).Nanoseconds()) / 1e6
		}
		answer = times
	} else {
		seconds, _ := strconv.ParseFloat(args[2], 64)
		rounds(min(50, n), time.Duration(max(1.5, seconds/3)*1e9))
		count, took := rounds(n, time.Duration(seconds*1e9))
		answer = map[string]any{"steps": count * n * 10, "seconds": took, "rounds": count}
	}
	line, _ := json.Marshal(answer)
	fmt.Println(string(line))
}
