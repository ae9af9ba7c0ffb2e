# A formula of Homebrew. A release has it with its own hashes.
class SevallaDeploy < Formula
  desc "CI deploy runner for Sevalla, not affiliated with Sevalla"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license "MIT"

  on_macos do
    on_arm do
      url "@URL@/sevalla-deploy-@TAG@-aarch64-apple-darwin.tar.gz"
      sha256 "@HASH aarch64-apple-darwin@"
    end
    on_intel do
      url "@URL@/sevalla-deploy-@TAG@-x86_64-apple-darwin.tar.gz"
      sha256 "@HASH x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@URL@/sevalla-deploy-@TAG@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@HASH aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "@URL@/sevalla-deploy-@TAG@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@HASH x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "sevalla-deploy"
    generate_completions_from_executable(bin/"sevalla-deploy", "completions", shells: [:bash, :zsh, :fish])
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/sevalla-deploy --version")
  end
end
