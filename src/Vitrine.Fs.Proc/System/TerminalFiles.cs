using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.System;

/// <summary>/proc/tty: the drivers of terminals and their line disciplines (proc_tty(5)).</summary>
internal static class TerminalFiles
{
    public static GeneratedInode Make(GeneratedSuperBlock superBlock) => new StaticDirectory(
        superBlock,
        [
            new("drivers", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, static (_, text) => Drivers(text))),
            new("ldisc", FileMode.Directory, sb => new StaticDirectory(sb, [])),
            new("ldiscs", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, static (_, text) => text.Line("n_tty       0"))),
        ]);

    private static void Drivers(GeneratedText text) => text
        .Line("/dev/tty             /dev/tty        5       0 system:/dev/tty")
        .Line("/dev/console         /dev/console    5       1 system:console")
        .Line("/dev/ptmx            /dev/ptmx       5       2 system")
        .Line("pty_slave            /dev/pts      136 0-1048575 pty:slave")
        .Line("pty_master           /dev/ptm      128 0-1048575 pty:master");
}
