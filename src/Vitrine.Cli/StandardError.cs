using System.Runtime.InteropServices;
using System.Text;

namespace Vitrine.Cli;

/// <summary>
/// Standard error, written line by line where the descriptor's offset stands, which is shared with the guest's output and
/// with whoever else has the file open. Streams of the runtime write to files at an offset of their own; its Console
/// switches the terminal's keypad at its first use, and leaves it so.
/// </summary>
internal static unsafe partial class StandardError
{
    private const int Descriptor = 2;
    private const int Interrupted = 4, NotNow = 11;

    public static void WriteLine(string line)
    {
        byte[] text = Encoding.UTF8.GetBytes(line + "\n");

        // SAFETY: the array is pinned while the host reads what is left of it.
        fixed (byte* bytes = text)
        {
            for (int done = 0; done < text.Length;)
            {
                nint count = Write(Descriptor, bytes + done, text.Length - done);
                if (count > 0)
                    done += (int)count;
                else if (Marshal.GetLastPInvokeError() == NotNow)
                    Thread.Sleep(1);
                else if (Marshal.GetLastPInvokeError() != Interrupted)
                    return;
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int descriptor, byte* bytes, nint count);
}
