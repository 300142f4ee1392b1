--- Module `stream`: nothing of its own. Streams come from the modules that read and write; an entry may list this one.
-- @workflows no; a stream is bound to what it reads
-- @sandbox yes
return {}
