// Runs of ten steps on DBOS Transact for Go with SQLite.
// Arguments: FILE, then those of ten-steps.mjs.
package main

import (
	"context"
	"database/sql"
	"io"
	"log"
	"log/slog"
	"os"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite"
)

func ten(ctx dbos.Context, _ string) (int, error) {
	value := 0
	for range 10 {
		before := value
		add := func(context.Context) (int, error) { return before + 1, nil }
		next, err := dbos.RunAsStep(ctx, add, dbos.WithStepName("step"))
		if err != nil {
			return 0, err
		}
		value = next
	}
	return value, nil
}

func main() {
	pragmas := "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(ON)" +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	db, err := sql.Open("sqlite", "file:"+os.Args[1]+pragmas)
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	ctx, err := dbos.NewContext(context.Background(), dbos.Config{
		AppName:        "bench",
		Logger:         slog.New(slog.NewTextHandler(io.Discard, nil)),
		SQLiteSystemDB: db,
	})
	if err != nil {
		log.Fatal(err)
	}
	dbos.RegisterWorkflow(ctx, ten)
	if err := dbos.Launch(ctx); err != nil {
		log.Fatal(err)
	}
	measure(func() int {
		handle, err := dbos.RunWorkflow(ctx, ten, "")
		if err != nil {
			log.Fatal(err)
		}
		value, err := handle.GetResult()
		if err != nil {
			log.Fatal(err)
		}
		return value
	}, os.Args[2:])
}
