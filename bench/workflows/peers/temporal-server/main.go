// Temporal's server in one process with a SQLite file, set up as `temporal server start-dev` does it
// (whose source, github.com/temporalio/cli, cannot be installed as a module). Arguments: the address; five
// ports with commas between, the first being the one for clients; the file. Pragmas of SQLite and values
// of the dynamic configuration follow as pragma:NAME=VALUE and NAME=VALUE.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	schema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "temporal-server:", err)
		os.Exit(1)
	}
}

// value reads what the command line says as YAML would: a number, a duration or a word.
func value(text string) any {
	if number, err := strconv.Atoi(text); err == nil {
		return number
	}
	return text
}

func main() {
	address, file := os.Args[1], os.Args[3]
	var ports []int
	for _, text := range strings.Split(os.Args[2], ",") {
		port, err := strconv.Atoi(text)
		check(err)
		ports = append(ports, port)
	}

	sql := config.SQL{
		PluginName:        sqlite.PluginName,
		DatabaseName:      file,
		ConnectAttributes: map[string]string{"mode": "rwc"},
	}
	dynamic := dynamicconfig.StaticClient{
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key(): 8096,
	}
	for _, argument := range os.Args[4:] {
		name, text, _ := strings.Cut(argument, "=")
		if pragma, found := strings.CutPrefix(name, "pragma:"); found {
			sql.ConnectAttributes[pragma] = text
		} else {
			dynamic[dynamicconfig.MakeKey(name)] = value(text)
		}
	}
	check(schema.SetupSchema(&sql))
	namespace, err := schema.NewNamespaceConfig("active", "default", false, nil)
	check(err)
	check(schema.CreateNamespaces(&sql, namespace))

	service := func(index int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: ports[index], BindOnIP: address}}
	}
	frontend := service(0)
	frontend.RPC.HTTPPort = ports[4]
	settings := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     "sqlite",
			VisibilityStore:  "sqlite",
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{"sqlite": {SQL: &sql}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        "active",
			CurrentClusterName:       "active",
			ClusterInformation: map[string]cluster.ClusterInformation{
				"active": {
					Enabled:                true,
					InitialFailoverVersion: 1,
					RPCAddress:             fmt.Sprintf("%s:%d", address, ports[0]),
					HTTPAddress:            fmt.Sprintf("%s:%d", address, ports[4]),
					ClusterID:              "c9b1a0de-6a3c-4e6e-9b59-0d3a5d2b7c11",
				},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			"frontend": frontend,
			"history":  service(1),
			"matching": service(2),
			"worker":   service(3),
		},
		PublicClient: config.PublicClient{HostPort: fmt.Sprintf("%s:%d", address, ports[0])},
	}
	settings.Global.Membership.MaxJoinDuration = 30 * time.Second
	settings.Global.Membership.BroadcastAddress = address
	settings.Archival.History.State = "disabled"
	settings.Archival.Visibility.State = "disabled"
	settings.NamespaceDefaults.Archival.History.State = "disabled"
	settings.NamespaceDefaults.Archival.Visibility.State = "disabled"

	hosts := map[primitives.ServiceName]static.Hosts{}
	for index, name := range []primitives.ServiceName{
		primitives.FrontendService, primitives.HistoryService,
		primitives.MatchingService, primitives.WorkerService,
	} {
		hosts[name] = static.SingleLocalHost(fmt.Sprintf("%s:%d", address, ports[index]))
	}
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Stdout: false, Level: "error"}))
	server, err := temporal.NewServer(
		temporal.WithConfig(settings),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
		temporal.WithDynamicConfigClient(dynamic),
	)
	check(err)
	check(server.Start())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	_ = server.Stop()
}
