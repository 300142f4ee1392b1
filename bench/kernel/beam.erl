%% The figures of app/src/measure.lua and app/src/population.lua in Erlang, on one scheduler.
-module(beam).
-export([main/1]).

main(["population", Count]) ->
    io:format("empty~n"),
    io:get_line(""),
    [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, list_to_integer(Count))],
    io:format("full~n"),
    io:get_line(""),
    halt();
main([Figure, Text]) ->
    Count = list_to_integer(Text),
    Run = figure(Figure),
    Run(Count div 3),
    Began = erlang:monotonic_time(microsecond),
    Run(Count),
    Seconds = (erlang:monotonic_time(microsecond) - Began) / 1.0e6,
    io:format("{\"figure\":\"~s\",\"count\":~w,\"seconds\":~w}~n", [Figure, Count, Seconds]),
    halt().

figure("spawn") -> fun(Count) -> groups(Count div 1000) end;
figure("pingpong") ->
    fun(Count) ->
        Echo = spawn(fun echo/0),
        pingpong(Echo, Count),
        exit(Echo, kill)
    end;
figure("messages") ->
    fun(Count) ->
        Self = self(),
        Sink = spawn(fun() -> sink(Count), Self ! done end),
        send(Sink, Count),
        receive done -> ok end
    end;
figure("calls") -> fun calls/1;
figure("calls_in_flight") -> fun(Count) -> flights(Count div 100) end.

groups(0) -> ok;
groups(N) ->
    group(999),
    {_, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, process, _, _} -> ok end,
    groups(N - 1).

group(0) -> ok;
group(N) -> spawn(fun() -> ok end), group(N - 1).

echo() -> receive {From, Round} -> From ! {pong, Round}, echo() end.

pingpong(_, 0) -> ok;
pingpong(Echo, N) ->
    Echo ! {self(), N},
    receive {pong, N} -> ok end,
    pingpong(Echo, N - 1).

send(_, 0) -> ok;
send(Sink, N) -> Sink ! {data, N}, send(Sink, N - 1).

sink(0) -> ok;
sink(N) -> receive {data, _} -> sink(N - 1) end.

%% A call in a process of its own, with a result, that cannot harm the caller: what funcs.call is.
call(Value) -> spawn_monitor(fun() -> exit({result, Value}) end).
await({Pid, Monitor}) -> receive {'DOWN', Monitor, process, Pid, {result, Value}} -> Value end.

calls(0) -> ok;
calls(N) -> await(call(N)), calls(N - 1).

flights(0) -> ok;
flights(N) ->
    Calls = [call(Value) || Value <- lists:seq(1, 100)],
    [await(Call) || Call <- Calls],
    flights(N - 1).
