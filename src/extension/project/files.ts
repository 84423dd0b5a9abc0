// The files of a new hypervisor project, made from templates. Without VS Code, so that tests make and run the same projects.

export type ProjectKind = 'assembly' | 'c';

export interface ProjectFile {
  /** Below the project's folder, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Reads a file that ships with the extension, by its path below the extension's folder. */
export type TemplateReader = (path: string) => Promise<string>;

interface Template {
  /** Path in the project, and where it comes from. */
  readonly files: Readonly<Record<string, string>>;
  /** What a person looks at first. */
  readonly first: string;
  readonly launch: object;
  readonly tasks: readonly object[];
}

const own = (folder: string, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `media/templates/${folder}/${name}`]));
const shared = (from: string, to: string, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [`${to}${name}`, `samples/${from}/${name}`]));

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of VS Code's configuration files
const FOLDER = '${workspaceFolder}';

const TEST_TASK = {
  label: 'test',
  type: 'ringside',
  command: 'test',
  args: [FOLDER],
  group: { kind: 'test', isDefault: true },
  problemMatcher: ['$ringside', '$ringside-test'],
};

export const TEMPLATES: Readonly<Record<ProjectKind, Template>> = {
  assembly: {
    files: {
      ...own('assembly', ['README.md', 'hypervisor.asm', 'test.asm']),
      ...shared('include', 'include/', ['vmx.inc', 'console.inc', 'hypervisor.inc']),
    },
    first: 'hypervisor.asm',
    launch: { program: `${FOLDER}/hypervisor.asm` },
    tasks: [
      {
        label: 'assemble',
        type: 'ringside',
        command: 'asm',
        args: [`${FOLDER}/hypervisor.asm`, '-o', `${FOLDER}/hypervisor.bin`, '-l', `${FOLDER}/hypervisor.lst`],
        group: { kind: 'build', isDefault: true },
        problemMatcher: ['$ringside'],
      },
      TEST_TASK,
    ],
  },
  c: {
    files: {
      ...own('c', ['README.md', 'Makefile', 'main.c', 'hypervisor.c', 'hypervisor.h', 'guest.c', 'tests.c']),
      ...shared('tiny-hypervisor', '', ['start.S', 'vcpu.S', 'vmx.c', 'vmx.h', 'console.c', 'console.h', 'link.ld']),
    },
    first: 'hypervisor.c',
    launch: { program: `${FOLDER}/hypervisor.elf`, preLaunchTask: 'build' },
    tasks: [
      {
        label: 'build',
        type: 'shell',
        command: 'make',
        group: { kind: 'build', isDefault: true },
        problemMatcher: ['$ringside-gcc', '$ringside-ld'],
      },
      { ...TEST_TASK, dependsOn: 'build' },
    ],
  },
};

const LONGEST_NAME = 60;

/** Why a text cannot be a project's name, or undefined. The name is a folder's, and stands in texts of the sources. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'A project needs a name.';
  if (name.length > LONGEST_NAME) return `The name may have ${LONGEST_NAME} characters at most.`;
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name) || name.endsWith('.')) {
    return 'The name may have letters, digits, "-", "_" and "." and begins with a letter or digit.';
  }
  return undefined;
}

/** Every file of a new project. */
export async function projectFiles(kind: ProjectKind, name: string, read: TemplateReader): Promise<ProjectFile[]> {
  const { files, launch, tasks } = TEMPLATES[kind];
  const configuration = { type: 'ringside', request: 'launch', name, ...launch };
  const made = await Promise.all(
    Object.entries(files).map(async ([path, from]) => ({ path, text: named(await read(from), name) })),
  );
  return [
    ...made,
    { path: '.vscode/launch.json', text: json({ version: '0.2.0', configurations: [configuration] }) },
    { path: '.vscode/tasks.json', text: json({ version: '2.0.0', tasks }) },
    { path: '.gitignore', text: IGNORED[kind] },
  ];
}

const IGNORED: Readonly<Record<ProjectKind, string>> = { assembly: '*.bin\n*.lst\n', c: 'build/\n*.elf\n' };

/** What comes from the sample bears the sample's name. */
const named = (text: string, name: string): string =>
  text.replaceAll('{{name}}', name).replaceAll('tiny-hypervisor', name);

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
