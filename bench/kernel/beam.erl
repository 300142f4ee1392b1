%% The figures of app/src/measure.lua, app/src/scale.lua and app/src/population.lua in Erlang, on one scheduler.
-module(beam).
-behaviour(supervisor).
-export([main/1, init/1, start_mortal/1]).

main(["population", Count]) ->
    io:format("empty~n"),
    io:get_line(""),
    [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, list_to_integer(Count))],
    io:format("full~n"),
    io:get_line(""),
    halt();
main(["scale", Figure, Text]) ->
    Numbers = scale(Figure, list_to_integer(Text)),
    Members = [io_lib:format("\"~s\":~w", [Name, Number]) || {Name, Number} <- Numbers],
    io:format("{~s}~n", [lists:join(",", Members)]),
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

init(Parent) ->
    Child = #{id => mortal, start => {?MODULE, start_mortal, [Parent]}},
    {ok, {#{strategy => one_for_one, intensity => 1000000000, period => 1}, [Child]}}.

start_mortal(Parent) ->
    {ok, spawn_link(fun() -> Parent ! {up, self()}, receive stop -> ok end end)}.

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

seconds(Run) ->
    Began = erlang:monotonic_time(microsecond),
    Result = Run(),
    {Result, max(1, erlang:monotonic_time(microsecond) - Began) / 1.0e6}.

receive_all(0) -> ok;
receive_all(N) -> receive _ -> receive_all(N - 1) end.

stoppable() ->
    receive
        {ping, From, Value} -> From ! {pong, Value}, stoppable();
        {stop, From} -> From ! stopped
    end.

link_of_ring(Next) -> receive {token, Value} -> Next ! {token, Value}, link_of_ring(Next) end.

scale("population", Count) ->
    Self = self(),
    {Pids, Spawned} = seconds(fun() -> [spawn(fun stoppable/0) || _ <- lists:seq(1, Count)] end),
    {_, Messaged} = seconds(fun() ->
        [Pid ! {ping, Self, 1} || Pid <- Pids],
        receive_all(Count)
    end),
    {_, Stopped} = seconds(fun() ->
        [Pid ! {stop, Self} || Pid <- Pids],
        receive_all(Count)
    end),
    [{spawn, Count / Spawned}, {message, Count / Messaged}, {stop, Count / Stopped}];
scale("restarts", Count) ->
    logger:set_primary_config(level, none),
    {ok, _} = supervisor:start_link(?MODULE, self()),
    Restart = fun(N) -> [receive {up, Pid} -> Pid ! stop end || _ <- lists:seq(1, N)] end,
    Restart(Count div 10),
    {_, Took} = seconds(fun() -> Restart(Count) end),
    [{rate, Count / Took}];
scale("ring", Count) ->
    Size = 10000,
    Self = self(),
    First = lists:foldl(
        fun(_, Next) -> spawn(fun() -> link_of_ring(Next) end) end, Self, lists:seq(2, Size)),
    Turn = fun(_) -> First ! {token, 1}, receive {token, _} -> ok end end,
    Turn(1),
    Rounds = max(1, Count div Size),
    {_, Took} = seconds(fun() -> lists:foreach(Turn, lists:seq(1, Rounds)) end),
    [{rate, Rounds * Size / Took}];
scale("fan_in", Count) ->
    Self = self(),
    Senders = Count div 100,
    {_, Took} = seconds(fun() ->
        [spawn(fun() -> [Self ! {data, N} || N <- lists:seq(1, 100)] end) || _ <- lists:seq(1, Senders)],
        receive_all(Senders * 100)
    end),
    [{rate, Senders * 100 / Took}];
scale("fan_out", Count) ->
    Self = self(),
    Each = Count div 1000,
    Sinks = [spawn(fun() -> sink(Each), Self ! done end) || _ <- lists:seq(1, 1000)],
    {_, Took} = seconds(fun() ->
        [[Sink ! {data, Round} || Sink <- Sinks] || Round <- lists:seq(1, Each)],
        receive_all(1000)
    end),
    [{rate, Each * 1000 / Took}];
scale("across", Count) ->
    %% With two schedulers; which of them runs a process is the runtime's choice.
    Self = self(),
    Echoes = [spawn(fun stoppable/0) || _ <- lists:seq(1, 100)],
    Alone = fun(N) ->
        [begin hd(Echoes) ! {ping, Self, R}, receive {pong, R} -> ok end end || R <- lists:seq(1, N)]
    end,
    Together = fun(N) ->
        [begin [Echo ! {ping, Self, 1} || Echo <- Echoes], receive_all(100) end
         || _ <- lists:seq(1, N div 100)]
    end,
    Alone(Count div 30),
    {_, One} = seconds(fun() -> Alone(Count div 10) end),
    Together(Count div 3),
    {_, Many} = seconds(fun() -> Together(Count) end),
    [{alone, (Count div 10) / One}, {together, Count / Many}].
