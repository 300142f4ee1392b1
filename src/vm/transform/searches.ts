import type { ModuleText } from "./module_text.ts";

/** Places where a text begins like the one that is looked for and goes on otherwise, before the search changes. */
const CANDIDATES = 32;
/** Bytes of a text that is found fast enough by trying every place. */
const SHORT = 32;

/**
 * Searches whose time grows with their input only. `string.find` of a plain text tries every place, which takes
 * time in proportion to the product of both lengths; here a long text that is nearly found again and again is
 * looked for by Crochemore and Perrin's two-way method. And `string.rep` of nothing does nothing, where it
 * counts to its number.
 */
export function boundSearches(module: ModuleText): void {
  module.change({
    name: "string.find of a plain text",
    inside: "str_find_aux",
    find: `(block $block3 (if (local.get $5) ?search)`,
    put: `(block $block3
      (if (local.get $5)
       (then
        (br_if $block3
         (local.tee $1
          (call $find_plain (local.get $1)
           (i32.sub (i32.load offset=300 (local.get $2)) (local.get $8))
           (local.get $4) (local.get $5))))
        (br $block1)))`,
  });
  module.change({
    name: "string.rep of nothing",
    inside: "str_rep",
    find: `(if (i64.le_s (local.get $7) (i64.const 0)) ?nothing)`,
    put: `(if
      (i32.or
       (i64.le_s (local.get $7) (i64.const 0))
       (i32.eqz
        (i32.or (i32.load offset=536 (local.get $1)) (i32.load offset=540 (local.get $1)))))
      ?nothing)`,
  });
  // The address of the first place, 0: there is none. The text looked for has one byte at least.
  module.append(`
 (func $find_plain
  (param $text i32) (param $text_length i32) (param $part i32) (param $length i32) (result i32)
  (local $from i32)
  (local $end i32)
  (local $left i32)
  (if (i32.gt_u (local.get $length) (local.get $text_length)) (then (return (i32.const 0))))
  ;; Behind the last place at which the part may begin.
  (local.set $end
   (i32.add (local.get $text)
    (i32.add (i32.sub (local.get $text_length) (local.get $length)) (i32.const 1))))
  (local.set $left (i32.const ${CANDIDATES}))
  (loop $candidate
   (local.set $from (local.get $text))
   (local.set $text
    (call $memchr (local.get $text) (i32.load8_u (local.get $part))
     (i32.sub (local.get $end) (local.get $text))))
   ;; memchr looks at four bytes at once.
   (global.set $fuel
    (i32.sub (global.get $fuel)
     (i32.shr_u
      (i32.sub
       (select (local.get $text) (local.get $end) (local.get $text))
       (local.get $from))
      (i32.const 6))))
   (if (i32.eqz (local.get $text)) (then (return (i32.const 0))))
   (if
    (i32.eqz
     (call $memcmp
      (i32.add (local.get $text) (i32.const 1))
      (i32.add (local.get $part) (i32.const 1))
      (i32.sub (local.get $length) (i32.const 1))))
    (then (return (local.get $text))))
   (local.set $text (i32.add (local.get $text) (i32.const 1)))
   (local.set $left (i32.sub (local.get $left) (i32.const 1)))
   (if
    (i32.and
     (i32.lt_s (local.get $left) (i32.const 0))
     (i32.gt_u (local.get $length) (i32.const ${SHORT})))
    (then
     (return
      (call $find_two_way (local.get $text)
       (i32.add (local.get $end) (i32.sub (local.get $length) (i32.const 1)))
       (local.get $part) (local.get $length)))))
   (br_if $candidate (i32.lt_u (local.get $text) (local.get $end))))
  (i32.const 0))`);
  // Where the part's greatest suffix begins, less one, by the order of its bytes or (greater = 0) by its opposite;
  // $period is that of the suffix.
  module.append(`(global $period (mut i32) (i32.const 0))`);
  module.append(`
 (func $greatest_suffix (param $part i32) (param $length i32) (param $greater i32) (result i32)
  (local $suffix i32)
  (local $at i32)
  (local $k i32)
  (local $period i32)
  (local $a i32)
  (local $b i32)
  (local.set $suffix (i32.const -1))
  (local.set $k (i32.const 1))
  (local.set $period (i32.const 1))
  (block $done
   (loop $next
    (br_if $done
     (i32.ge_u (i32.add (local.get $at) (local.get $k)) (local.get $length)))
    (local.set $a
     (i32.load8_u
      (i32.add (local.get $part) (i32.add (local.get $suffix) (local.get $k)))))
    (local.set $b
     (i32.load8_u (i32.add (local.get $part) (i32.add (local.get $at) (local.get $k)))))
    (if (i32.eq (local.get $a) (local.get $b))
     (then
      (if (i32.eq (local.get $k) (local.get $period))
       (then
        (local.set $at (i32.add (local.get $at) (local.get $period)))
        (local.set $k (i32.const 1)))
       (else (local.set $k (i32.add (local.get $k) (i32.const 1))))))
     (else
      (if (i32.eq (i32.gt_u (local.get $a) (local.get $b)) (local.get $greater))
       (then
        (local.set $at (i32.add (local.get $at) (local.get $k)))
        (local.set $k (i32.const 1))
        (local.set $period (i32.sub (local.get $at) (local.get $suffix))))
       (else
        (local.set $suffix (local.get $at))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $k (i32.const 1))
        (local.set $period (i32.const 1))))))
    (br $next)))
  (global.set $period (local.get $period))
  (local.get $suffix))`);
  module.append(`
 (func $find_two_way
  (param $text i32) (param $end i32) (param $part i32) (param $length i32) (result i32)
  (local $critical i32)
  (local $other i32)
  (local $period i32)
  (local $kept i32)
  (local $known i32)
  (local $k i32)
  (local.set $critical
   (call $greatest_suffix (local.get $part) (local.get $length) (i32.const 1)))
  (local.set $period (global.get $period))
  (local.set $other
   (call $greatest_suffix (local.get $part) (local.get $length) (i32.const 0)))
  (if (i32.gt_s (local.get $other) (local.get $critical))
   (then
    (local.set $critical (local.get $other))
    (local.set $period (global.get $period))))
  (local.set $critical (i32.add (local.get $critical) (i32.const 1)))
  (if
   (call $memcmp (local.get $part)
    (i32.add (local.get $part) (local.get $period)) (local.get $critical))
   (then
    ;; It does not repeat itself: nothing is known behind a shift.
    (local.set $period
     (i32.add (i32.const 1)
      (select
       (i32.sub (local.get $critical) (i32.const 1))
       (i32.sub (local.get $length) (local.get $critical))
       (i32.gt_s
        (i32.sub (local.get $critical) (i32.const 1))
        (i32.sub (local.get $length) (local.get $critical)))))))
   (else (local.set $kept (i32.sub (local.get $length) (local.get $period)))))
  (block $nowhere
   (loop $place
    (br_if $nowhere
     (i32.lt_u (i32.sub (local.get $end) (local.get $text)) (local.get $length)))
    ;; The right half, forward.
    (local.set $k
     (select (local.get $critical) (local.get $known)
      (i32.gt_u (local.get $critical) (local.get $known))))
    (block $right
     (loop $forward
      (br_if $right (i32.ge_u (local.get $k) (local.get $length)))
      (br_if $right
       (i32.ne
        (i32.load8_u (i32.add (local.get $part) (local.get $k)))
        (i32.load8_u (i32.add (local.get $text) (local.get $k)))))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br $forward)))
    (if (i32.lt_u (local.get $k) (local.get $length))
     (then
      (local.set $text
       (i32.add (local.get $text)
        (i32.add (i32.sub (local.get $k) (local.get $critical)) (i32.const 1))))
      (local.set $known (i32.const 0))
      (br $place)))
    ;; The left half, backward.
    (local.set $k (local.get $critical))
    (block $left
     (loop $backward
      (br_if $left (i32.le_u (local.get $k) (local.get $known)))
      (br_if $left
       (i32.ne
        (i32.load8_u
         (i32.sub (i32.add (local.get $part) (local.get $k)) (i32.const 1)))
        (i32.load8_u
         (i32.sub (i32.add (local.get $text) (local.get $k)) (i32.const 1)))))
      (local.set $k (i32.sub (local.get $k) (i32.const 1)))
      (br $backward)))
    (if (i32.le_u (local.get $k) (local.get $known)) (then (return (local.get $text))))
    (local.set $text (i32.add (local.get $text) (local.get $period)))
    (local.set $known (local.get $kept))
    (br $place)))
  (i32.const 0))`);
}
