/**
 * The words of a request that name no degradation: what is to happen to what is named, and where clauses end.
 *
 * @module
 */

/** What a word or phrase does in a sentence. */
export type Role =
  | 'remove' // asks for the names behind it to go
  | 'keep' // asks for the names behind it to stay
  | 'repair' // removes what is named, and everything where nothing is
  | 'let' // keeps, unless the clause says that it goes: 'let the rain be', 'let the rain vanish'
  | 'make' // says nothing yet: 'make the rain vanish'
  | 'want' // after 'I': wishes for what is named
  | 'removal' // turns the names before it into an action: 'rain removal'
  | 'gone' // what came before it goes: 'the rain must vanish'
  | 'stays'
  | 'bad' // the same, but only behind an auxiliary: 'the rain is ugly'
  | 'fine'
  | 'no' // removes a name, but refuses an action: 'no rain', 'no deraining'
  | 'not' // the opposite: 'not the rain', 'do not remove'
  | 'just' // ends a refusal: 'not the haze, just the rain'
  | 'only' // the same, and what is kept is all that is kept
  | 'except'
  | 'but' // 'except' behind everything and nothing, else a turn
  | 'turn' // a new clause of another mind
  | 'stop'
  | 'comma'
  | 'join'
  | 'or' // joins, and carries a refusal on: 'do not remove the rain or touch the fog'
  | 'all'
  | 'each' // everything, unless a name follows: 'all', 'all the rain'
  | 'nothing'
  | 'it' // what was named last, or the picture
  | 'this' // the same where no noun follows
  | 'self'
  | 'auxiliary'
  | 'polite' // a verb behind it is meant for the restorer
  | 'picture'
  | 'good' // how pictures should be
  | 'place' // where a caption's nouns are: 'in the rain'
  | 'more' // the same, unless it is to go: 'more rain', 'remove more rain'
  | 'with'
  | 'article'
  | 'filler'
  | 'other';

const list = (phrases: string): readonly string[] =>
  phrases
    .split(',')
    .map((phrase) => phrase.trim().replace(/\s+/g, ' '))
    .filter((phrase) => phrase !== '');

/** Verbs by the role of their base form; the other forms are derived. */
export const VERBS = {
  remove:
    list(`remove, rid, get rid of, take, take away, take out, erase, eliminate, clean up, clear away, wash away, wash off, delete, wipe,
    wipe out, strip, drop, cut, cut out, filter, filter out, clear up, suppress, do away with, deal with, help with, do something about,
    take care of, reduce, lower, lessen, weaken, minimise, minimize, attenuate, dial down, tone down, smooth out, lose,
    discard, subtract, cancel, exclude, leave out, kill, banish, scrub, hide, lift, fight, undo, correct, treat, handle,
    touch, change, alter, affect, modify, harm, mess with, tamper with, hate, dislike, mind`),
  keep: list(`keep, leave, preserve, retain, maintain, spare, ignore, save, protect, respect, hold on to, hang on to,
    stay away from, conserve`),
  repair:
    list(`restore, restoration, clean, clear, fix, enhance, improve, repair, touch up, tidy up, fix up, cleanse, purify,
    polish, retouch, refurbish, mend, refine, beautify, optimise, optimize`),
  let: list('let, allow'),
  make: list('make, have, get, turn'),
  want: list(`want, like, love, prefer, enjoy, wish, wish for, appreciate, adore`),
} as const satisfies Partial<Record<Role, readonly string[]>>;

export const WORDS_BY_ROLE: Readonly<Record<Exclude<Role, keyof typeof VERBS | 'other'>, readonly string[]>> = {
  removal: list(`removal, reduction, suppression, elimination, cancellation, correction, cleanup, remover, free`),
  gone: list(`gone, begone, go, goes, go away, vanish, vanishes, vanished, disappear, disappears, taken out, taken away, cut out,
    bothers, bother, bothers me, disturbs, annoys, spoils, ruins, out of here, unwanted, to go, absent`),
  stays: list(`stay, stays, remain, remains, kept, left, left alone, untouched, unchanged, intact, in place,
    left in, survive, persist, stay put, unaffected`),
  bad: list(`bad, ugly, annoying, horrible, terrible, awful, distracting, disturbing, a problem, too strong, too much,
    excessive, undesired`),
  fine: list('fine, ok, okay, welcome, atmospheric, charming, wanted, intended, intentional, desired, part of'),
  no: list(`no, without, less, fewer, no more, avoid, avoiding, free of, free from, lacking, sans, minus, zero, w o,
    too much, too many, so much, not so much, not as much, much less, a bit less, a little less, too, no need to, stop`),
  not: list(`not, never, cannot, dont, doesnt, didnt, isnt, shouldnt, mustnt, cant, wont, instead of, rather than, skip,
    skipping, refrain from, nt, neither, none of`),
  just: ['just'],
  only: list('only, solely, exclusively, merely, purely'),
  except: list(`except, except for, excepting, apart from, aside from, besides, other than, excluding, save for,
    with the exception of, bar`),
  but: list('but'),
  turn: list('while, whereas, however, yet, though, although, instead, then, because, since, whilst, so'),
  stop: list('. , ! , ? , : , ;'),
  comma: [','],
  join: list('and, plus, as well as, &, +, along with, together with, not only, but also, also'),
  or: list('or, nor, /'),
  all: list(`everything, everything else, anything, anything else, whatever, the rest, rest, all else, the others, others,
    the other, all of it, all of them, defects, defect, degradations, degradation, damage, damages, flaws, imperfections,
    problems, errors, faults, blemishes, what spoils it`),
  each: list('all, any, every'),
  nothing: list(
    'nothing, none, nothing else, nothing more, no changes, no change, do nothing, do not do anything, no one, no restoration',
  ),
  it: list('it, them, they'),
  this: list('this, that, these, those, both'),
  self: list('i, we'),
  auxiliary:
    list(`do, does, did, be, is, are, was, were, being, been, should, must, can, could, would, will, may, might,
    shall, has to, have to, needs to, need to, ought to, ought, need, needs, looks, look, seems, feels, to, supposed to,
    able to, us, to be, needed, need not`),
  polite: list(`please, pls, plz, you, can you, could you, would you, kindly, lets, help me, to you`),
  picture: list(`photo, photograph, picture, image, pic, shot, snapshot, scene, view, frame, scan, photos, pictures,
    images, original, file, version, result`),
  good: list(`perfect, better, good, nice, pristine, flawless, spotless, beautiful, lovely, professional, crisp, great,
    like new, natural, pretty, high quality, nicer, cleaner, clearer, as new, best`),
  place: list(`in, at, on, through, under, behind, by, near, over, during, into, from, across, along, above, below,
    inside, around, beside, beneath, add, adding, increase, boost, for, against, beyond, amid, between`),
  more: ['more'],
  with: list('with, about, having'),
  article: list('a, an, the, my, our, your, his, her, some, its, their'),
  filler:
    list(`rather, give, ask for, asking for, me, of, here, there, up, out, away, off, down, as it is, as they are, as is, as it was, as they were,
    thanks, thank, thank you, hey, hi, hello, ok then, well, now, today, otherwise, too please, much, lot, lots, bit,
    little, layer, layers, trace, traces, effect, effects, amount, kind, sort, type, see, seeing, try, want to, like to,
    love to, wish to, prefer to, want you to, like you to, sure, that is, simply, still, again, back, such, very, really,
    quite, at all, possible, if possible, as much as possible, from here, in here, level, levels, level of,
    visible, remaining, existing, whole, entire, rid of, heavy, alone, too much of, something, show, need to, need you to`),
};
