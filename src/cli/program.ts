/**
 * The command line as a function: arguments in, exit code out.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { KNOWN_DEGRADATIONS, listInWords } from '../degradations/index.ts';
import { ClearwordError } from '../errors.ts';
import { formatOfName } from '../image/image-signature.ts';
import { VERSION } from '../version.ts';
import { type CommandContext, type CommandDefinition, EXIT } from './command.ts';
import { commands, type RegistryEntry } from './registry.ts';
import { exitCodeOf, printError, printJsonError } from './report.ts';

/** What the process gives; the rest of a command's context comes from the arguments. */
export type ProgramContext = Omit<CommandContext, 'debug'>;

/** Runs one command. Never throws and never exits; whatever goes wrong is printed to `context.stderr`. */
export async function runCommandLine(
  argv: readonly string[],
  context: ProgramContext,
  registry: readonly RegistryEntry[] = commands,
): Promise<number> {
  const program = new Command('clearword')
    .description(`Photographs restored with words: removes ${listInWords(KNOWN_DEGRADATIONS)}, guided by a sentence.`)
    .version(VERSION);
  let exitCode: number = EXIT.done;
  try {
    styled(program, context);
    const wanted = argv.filter((argument) => !argument.startsWith('-'));
    for (const entry of registry) {
      const command = styled(program.command(entry.name).description(entry.summary), context);
      // `clearword help restore` names the command second.
      if (wanted[0] !== entry.name && !(wanted[0] === 'help' && wanted[1] === entry.name)) continue;
      await configure(command, await entry.load(), context, (code) => {
        exitCode = code;
      });
    }
    if (argv.length === 0) {
      context.stderr.write(program.helpInformation());
      return EXIT.wrongUse;
    }
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    const known = error instanceof CommanderError ? wrongUse(error, argv) : error;
    // What comes before the first input has no other place in a stream of JSON.
    if (argv.includes('--json')) printJsonError(context.stdout, known);
    printError(context.stderr, known, argv.includes('--debug'));
    return exitCodeOf(known);
  }
}

async function configure(
  command: Command,
  definition: CommandDefinition,
  context: ProgramContext,
  finish: (exitCode: number) => void,
): Promise<void> {
  const { argument } = definition;
  // Not needed, with all of zod, for `clearword --help`.
  const { allOptions, commanderOptions, parseOptions } = await import('./schema-options.ts');
  const schema = allOptions(definition);
  if (argument !== undefined) {
    command.argument(`<${argument.name}${argument.variadic === true ? '...' : ''}>`, argument.description);
  }
  for (const option of commanderOptions(schema)) command.addOption(option);
  command.addHelpText('after', `\n${definition.details}`);
  command.action(async () => {
    const { debug, ...options } = parseOptions(schema, command.opts());
    finish(await definition.run(command.args, options, { ...context, debug: debug === true }));
  });
}

/** Errors as exceptions, text to the context's streams, and this project's own form of messages. */
function styled(command: Command, { stdout, stderr }: ProgramContext): Command {
  return command.exitOverride().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    outputError: () => {},
  });
}

function wrongUse(error: CommanderError, argv: readonly string[]): ClearwordError {
  const fix = likelyMeant(error.code, argv);
  const message = error.message.replace(/^error: /, '').replace(/\n/g, ' ');
  return new ClearwordError('INVALID_OPTION', message, fix === undefined ? {} : { fix });
}

/** What people forget: the command before a photo, and that a name may not look like an option. */
function likelyMeant(code: string, argv: readonly string[]): string | undefined {
  const isPhoto = (argument: string) => formatOfName(argument) !== undefined || existsSync(argument);
  const [first] = argv.filter((argument) => !argument.startsWith('-'));
  if (code === 'commander.unknownCommand' && first !== undefined && isPhoto(first)) {
    return `Did you mean \`clearword restore ${argv.join(' ')}\`?`;
  }
  const dashed = argv.find((argument) => /^-./.test(argument) && isPhoto(argument));
  if (code === 'commander.unknownOption' && dashed !== undefined) {
    return `Write ./${dashed} for a file whose name begins with a dash.`;
  }
  return undefined;
}
