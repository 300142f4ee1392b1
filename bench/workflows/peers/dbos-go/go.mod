module wippy/bench/dbos-go

go 1.26

require github.com/dbos-inc/dbos-transact-golang v1.8.0
