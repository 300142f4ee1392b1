return { name = ..., from = "init" }
