error({ code = 17 })
