CREATE TABLE `activities` (
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`event` integer NOT NULL,
	`attempt` integer NOT NULL,
	`running` integer NOT NULL,
	`canceling` integer NOT NULL,
	PRIMARY KEY(`run`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `events` (
	`position` integer PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`id` integer NOT NULL,
	`type` text NOT NULL,
	`time` integer NOT NULL,
	`data` blob NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `events_run` ON `events` (`run`,`id`);--> statement-breakpoint
CREATE TABLE `outbox` (
	`id` integer PRIMARY KEY NOT NULL,
	`recipient` text NOT NULL,
	`sender` text NOT NULL,
	`topic` text NOT NULL,
	`payloads` blob NOT NULL
);
--> statement-breakpoint
CREATE TABLE `runs` (
	`run` integer PRIMARY KEY NOT NULL,
	`run_id` text NOT NULL,
	`workflow_id` text NOT NULL,
	`first_run_id` text NOT NULL,
	`entry` text NOT NULL,
	`host_id` text NOT NULL,
	`status` text NOT NULL,
	`attempt` integer NOT NULL,
	`start_time` integer NOT NULL,
	`close_time` integer,
	`next_event` integer NOT NULL,
	`bytes` integer NOT NULL,
	`lease` integer NOT NULL,
	`task_event` integer NOT NULL,
	`wake` integer NOT NULL,
	`held` integer NOT NULL,
	`cancel_requested` integer NOT NULL,
	`parent_run` integer,
	`parent_seq` integer,
	`parent_close_policy` text,
	`terms` blob,
	`memo` blob,
	`search_attributes` blob,
	`blocked` blob
);
--> statement-breakpoint
CREATE UNIQUE INDEX `runs_run_id` ON `runs` (`run_id`);--> statement-breakpoint
CREATE INDEX `runs_workflow` ON `runs` (`workflow_id`,`run`);--> statement-breakpoint
CREATE UNIQUE INDEX `runs_open` ON `runs` (`workflow_id`) WHERE status = 'running';--> statement-breakpoint
CREATE INDEX `runs_closed` ON `runs` (`close_time`) WHERE close_time IS NOT NULL;--> statement-breakpoint
CREATE INDEX `runs_status` ON `runs` (`status`,`run`);--> statement-breakpoint
CREATE INDEX `runs_task` ON `runs` (`run`) WHERE task_event > 0;--> statement-breakpoint
CREATE INDEX `runs_parent` ON `runs` (`parent_run`) WHERE parent_run IS NOT NULL AND status = 'running';--> statement-breakpoint
CREATE TABLE `timers` (
	`run` integer NOT NULL,
	`kind` text NOT NULL,
	`seq` integer NOT NULL,
	`due` integer NOT NULL,
	PRIMARY KEY(`run`, `kind`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `timers_due` ON `timers` (`due`);