loaded_nothing = (loaded_nothing or 0) + 1
