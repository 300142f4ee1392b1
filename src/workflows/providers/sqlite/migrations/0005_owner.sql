CREATE TABLE `owner` (
	`id` integer PRIMARY KEY NOT NULL,
	`journal` text NOT NULL,
	`epoch` integer NOT NULL,
	`commits` integer NOT NULL
);
