/**
 * The applications that `wippy init NAME` writes.
 * @module
 */
import helloIndexYaml from "../../../examples/hello/src/_index.yaml" with { type: "text" };
import helloGreetLua from "../../../examples/hello/src/greet.lua" with { type: "text" };
import helloCounterLua from "../../../examples/hello/src/counter.lua" with { type: "text" };
import helloWelcomeLua from "../../../examples/hello/src/welcome.lua" with { type: "text" };
import helloCommandLua from "../../../examples/hello/src/command.lua" with { type: "text" };
import helloHelloTestLua from "../../../examples/hello/src/hello_test.lua" with { type: "text" };
import serviceBoardLua from "./templates/service/board.lua" with { type: "text" };
import serviceChargeLua from "./templates/service/charge.lua" with { type: "text" };
import serviceCountLua from "./templates/service/count.lua" with { type: "text" };
import serviceIndexYaml from "./templates/service/index.yaml" with { type: "text" };
import serviceOrderLua from "./templates/service/order.lua" with { type: "text" };
import serviceOrderTestLua from "./templates/service/order_test.lua" with { type: "text" };
import servicePlaceLua from "./templates/service/place.lua" with { type: "text" };
import servicePriceLua from "./templates/service/price.lua" with { type: "text" };
import webhookBoardLua from "./templates/webhook/board.lua" with { type: "text" };
import webhookEventLua from "./templates/webhook/event.lua" with { type: "text" };
import webhookEventTestLua from "./templates/webhook/event_test.lua" with { type: "text" };
import webhookHandleLua from "./templates/webhook/handle.lua" with { type: "text" };
import webhookIndexYaml from "./templates/webhook/index.yaml" with { type: "text" };
import webhookReceiveLua from "./templates/webhook/receive.lua" with { type: "text" };
import webhookSignatureLua from "./templates/webhook/signature.lua" with { type: "text" };

/** Names of the templates. */
export const templateNames = ["hello", "service", "webhook"] as const;
export type TemplateName = (typeof templateNames)[number];

/** Sources of each template, by path. */
export const templates: Readonly<Record<TemplateName, Readonly<Record<string, string>>>> = {
  hello: {
    "src/_index.yaml": helloIndexYaml,
    "src/greet.lua": helloGreetLua,
    "src/counter.lua": helloCounterLua,
    "src/welcome.lua": helloWelcomeLua,
    "src/command.lua": helloCommandLua,
    "src/hello_test.lua": helloHelloTestLua,
  },
  service: {
    "src/board.lua": serviceBoardLua,
    "src/charge.lua": serviceChargeLua,
    "src/count.lua": serviceCountLua,
    "src/_index.yaml": serviceIndexYaml,
    "src/order.lua": serviceOrderLua,
    "src/order_test.lua": serviceOrderTestLua,
    "src/place.lua": servicePlaceLua,
    "src/price.lua": servicePriceLua,
  },
  webhook: {
    "src/board.lua": webhookBoardLua,
    "src/event.lua": webhookEventLua,
    "src/event_test.lua": webhookEventTestLua,
    "src/handle.lua": webhookHandleLua,
    "src/_index.yaml": webhookIndexYaml,
    "src/receive.lua": webhookReceiveLua,
    "src/signature.lua": webhookSignatureLua,
  },
};
